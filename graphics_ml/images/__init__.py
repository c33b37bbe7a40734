"""Pictures as arrays: networks that see them, and what is changed in them at random while they learn."""
