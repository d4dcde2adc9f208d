"""How each channel talks: words in, numbers out."""
