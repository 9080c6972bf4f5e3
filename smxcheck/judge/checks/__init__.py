"""The checks beyond one accuracy figure, one module per kind of question put to a target."""
