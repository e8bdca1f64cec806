"""What must stay inside stays inside, and what must stay out stays out."""
