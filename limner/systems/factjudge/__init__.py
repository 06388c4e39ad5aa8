"""The judge of facts: what a picture shows of that which captions say; trained apart from all that it judges."""
