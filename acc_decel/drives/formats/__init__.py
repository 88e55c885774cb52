"""One file format a module: how its channels become blocks of numbers."""
