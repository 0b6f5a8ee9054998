"""How people prove themselves: each method in a file, behind one protocol, for every act that asks for a proof."""
