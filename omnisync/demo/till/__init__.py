"""A simulated till that knows no network: it drops files into a folder and imports one, with its own stock and buyers."""
