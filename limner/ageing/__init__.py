"""What the systems that change the age of a face share: data, inputs, validation, evaluation."""
