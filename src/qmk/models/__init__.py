"""What is simulated: noise, and error correction."""
