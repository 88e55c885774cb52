"""Models to compare the network with: variational Bayes and fuzzy broad learning. The product uses none of them."""
