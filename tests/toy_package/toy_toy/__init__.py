"""A task and a method that live outside the tree: the smallest complete example of both."""
