"""The plain door: the form as HTML without JavaScript, one page per screen, for any browser since 2010."""
