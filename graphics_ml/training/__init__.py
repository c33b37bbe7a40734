"""Networks are trained here: a recipe (TOML) becomes a Lightning run, and that a file of weights with its model card.

recipe.py reads what is asked for, samples.py orders and draws the data, fit.py trains, checkpoints.py keeps what a
stopped run needs to go on, curves.py shows and names what came of it, weights.py writes and reads the result. What is
learned (data, network, loss) is a `Learner` of a higher room, named by the recipe.
"""
