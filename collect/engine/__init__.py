"""The latent loop: units computed in batches, steered where, when and how their condition says."""
