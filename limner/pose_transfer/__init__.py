"""What systems share that show a person in another pose: pairs of pictures, poses as input, their evaluation."""
