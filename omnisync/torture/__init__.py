"""The torture kit: any adapter against its simulated channel, through the real engine, with everything that goes wrong in practice."""
