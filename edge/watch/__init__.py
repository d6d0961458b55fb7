"""Motion on the luma window: cells, zones, tracks, episodes. The only place that imports cv2."""
