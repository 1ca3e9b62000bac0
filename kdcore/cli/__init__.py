"""The command line, one file per group of commands; torch is imported only where it is needed."""
