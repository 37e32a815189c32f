"""Choices and defaults of arguments that modules with heavy imports define; a test compares each with its module."""

# claip_emo_mm.apis
CLIP_ARCH = 'ViT-L-14-quickgelu'  # zero_shot.ARCH
DEMO_MEGABYTES, DEMO_SECONDS, DEMO_WAITING = 200., 600., 8  # page_jobs.DemoLimits
FACES = ('largest', 'all', 'none')  # windows.FACES
RESULT_FORMATS = ('eaf', 'parquet', 'pdf', 'srt', 'svg', 'TextGrid', 'vtt')  # formats.FORMATS
UNSURE_MARGIN, UNSURE_SCORE = .1, .3  # inferencer.DEFAULT_RULE

# claip_emo_mm.data_preparation and toy
FACE_POLICIES = ('auto', 'crop', 'keep')  # crop_policy.FACES
FAILURES_FILE, NOTES_FILE = 'failures.csv', 'notes.csv'  # clips
TOY_CLIPS = (336, 42, 210)  # toy.dataset.DEFAULT_CLIPS
TOY_FORMS = ('cremad', 'ravdess')  # toy.downloads.FORMS

# claip_emo_mm.datasets and media
CACHE_DTYPES = ('float32', 'float16')  # feature_cache.DTYPES
DEFAULT_MICROPHONE = 'default'  # live_sources.DEFAULT_DEVICE
NUM_FOLDS = 5  # official_splits.NUM_FOLDS

# claip_emo_mm.engine, export and models
EXPORT_INPUTS = ('media', 'tensors')  # export.FORMATS
FEATURE_FORMATS = ('npz', 'parquet')  # feature_cache.FORMATS
PROTOCOLS = {  # cross_validation.protocols.PROTOCOLS
    'paper': 'the best epoch by the WAR on the test split itself, as the reference chooses it',
    'clean': 'the last epoch of a training whose length was set beforehand: nothing is chosen on the test split',
}
SPLITS = ('train', 'val', 'test')  # feature_cache.plan.SPLITS
WEIGHT_KINDS = ('clip', 'clap', 'reference')  # weights.convert.KINDS
