"""The dialect of nightlatch itself: what the others have no words for, under /v1 on the admin port."""
