"""What is simulated: noise."""
