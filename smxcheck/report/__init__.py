"""Renderers: from the frozen ``Report`` to text, one module per format."""
