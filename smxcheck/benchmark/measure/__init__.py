"""Processes started, values judged, calls timed in interleaved rounds."""
