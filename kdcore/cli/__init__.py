"""The command line, a file a group of commands; nothing here imports torch before it must."""
