"""What the pages for people are made of: their frame, their styles and scripts, and the component taken in for them."""
