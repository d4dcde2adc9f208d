"""Practice at the desk: the real pages and the real services over a made-up day that nobody else sees and that is thrown away."""
