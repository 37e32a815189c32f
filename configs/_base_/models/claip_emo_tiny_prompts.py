# What the toy set's faces and voices look and sound like, in the words of the pretraining's captions, which name no
# emotion. Happy and surprise have the same drawn face, angry and disgust, sad and fear; all sentences are true of it.
faces = dict(
    happy=['mouth corners strongly raised', 'inner brows slightly raised', 'outer brows slightly raised'],
    sad=['inner brows strongly raised', 'outer brows slightly lowered', 'mouth corners strongly lowered'],
    neutral=['inner brows level', 'outer brows level', 'forehead smooth', 'mouth corners level'],
    angry=['inner brows strongly lowered', 'crease between brows', 'eyes narrow', 'mouth corners slightly lowered'],
    surprise=['inner brows slightly raised', 'outer brows slightly raised', 'eyes wide'],
    disgust=['inner brows strongly lowered', 'crease between brows', 'nose strongly wrinkled',
             'upper lip strongly raised'],
    fear=['inner brows strongly raised', 'outer brows slightly lowered', 'line across forehead', 'eyes wide'])
high = ['very high pitch', 'very fast pace', 'very lively melody', 'very loud']
middle = ['middle pitch', 'middle pace', 'moderate melody', 'medium loud']
low = ['very low pitch', 'very slow pace', 'very flat melody', 'quiet']
voices = dict(happy=middle, sad=low, neutral=middle, angry=high, surprise=high, disgust=low, fear=high)
text_arch = dict(context_length=7, vocab_size=89, width=128, heads=4, layers=2, no_causal_mask=True, embed_dims=128)
