default_scope = 'mmaction'
custom_imports = dict(imports=['claip_emo_mm'])

default_hooks = dict(
    runtime_info=dict(type='RuntimeInfoHook'),
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=10),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='CheckpointHook', interval=1, max_keep_ckpts=2),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='ClipVisualizationHook'))
custom_hooks = [
    dict(type='TrainableParametersHook'),
    dict(type='ClassCheckHook'),
    dict(type='SharedMemoryHook'),
    dict(type='SkippedClipsHook'),
    dict(type='AdapterCheckpointHook'),
    dict(type='CalibrationHook'),
    dict(type='ResumeStateHook'),
    dict(type='StrictLoadingHook'),
    dict(type='IterationSeedHook'),
    dict(type='AccumulatedGradientHook'),
    dict(type='PreemptionHook'),
    dict(type='CheckInvalidLossHook'),
    dict(type='TrainingPlotHook'),
]

env_cfg = dict(cudnn_benchmark=False, mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
               dist_cfg=dict(backend='nccl'))
sync_bn = 'torch'  # synchronize batch norm over all processes
log_processor = dict(type='LogProcessor', window_size=20, by_epoch=True)
vis_backends = [dict(type='LocalVisBackend')]
# pip install tensorboard; MMEngine would take an import statement here for its other kind of config
if __import__('importlib.util').util.find_spec('tensorboard'):
    vis_backends += [dict(type='TensorboardVisBackend')]
visualizer = dict(type='ActionVisualizer', vis_backends=vis_backends)
log_level = 'INFO'
load_from = None
resume = False
