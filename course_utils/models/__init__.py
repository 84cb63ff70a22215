"""The models that lessons train: each its parameters, its forward pass, its loss."""
