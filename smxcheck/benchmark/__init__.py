"""Speed: contenders timed side by side in one process, as ratios with intervals; their values are judged first."""
