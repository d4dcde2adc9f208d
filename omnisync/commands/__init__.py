"""What can be typed after `omnisync`: one module a verb, registered in `omnisync.cli`."""
