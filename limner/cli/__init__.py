"""The command line: `main` picks one command by name and imports only that one."""
