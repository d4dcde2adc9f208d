"""Files in, files out: articles, counts and listings as CSV, checked as a whole, undone as a whole."""
