"""What systems that paint label maps share: their inputs, their quick scores in training, their evaluation."""
