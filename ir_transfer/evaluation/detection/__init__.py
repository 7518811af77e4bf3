"""Do translated pictures teach a detector more about infrared than gray photographs do?"""
