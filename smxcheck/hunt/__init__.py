"""The search for the largest errors: by chosen rows and hill-climbing, and over all inputs where that can be had."""
