"""A run as files, one format a module, and back from its own."""
