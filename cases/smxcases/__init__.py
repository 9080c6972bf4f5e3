"""Data only: the case set as TOML, and small arrays as .npz. Nothing here is code."""
