"""What the node knows of itself, as one document, and the alarms that follow from it."""
