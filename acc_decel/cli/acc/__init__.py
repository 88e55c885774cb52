"""The commands for an ACC: gap, speed and RSS parameters from what the car knows."""
