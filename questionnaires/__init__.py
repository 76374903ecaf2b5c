"""What is asked, and how it scores."""
