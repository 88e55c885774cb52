"""Models to compare the network with: variational Bayes and fuzzy broad learning. No command of the product uses them."""
