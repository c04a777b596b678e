"""A tiny store without a defect, a plant for every check, and the run that counts detections."""
