"""What surrounds the product: the demo and the recipes. Never part of the wheel."""
