"""The runs of the demo and of the workspace: listed, searched, named, folded and measured."""
