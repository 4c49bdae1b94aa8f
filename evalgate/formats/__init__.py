"""HOW files are read and written: strict YAML with the line of every value, canonical JSON, atomic replacement."""
