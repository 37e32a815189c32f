"""Extraction of everything that a config lacks in its feature cache."""
import pickle
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path

from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.utils import import_modules_from_strings
from tqdm import tqdm

from claip_emo_mm.datasets.feature_cache import ContentHashes
from claip_emo_mm.engine.config_checks import default_scope
from claip_emo_mm.engine.feature_cache.extractor import ClipExtractor, ClipJob, Extracted
from claip_emo_mm.engine.feature_cache.plan import SPLITS, FeaturePlan
from claip_emo_mm.engine.feature_cache.points import KEY, FeatureCacheConfig
from claip_emo_mm.errors import InputError, listing
from claip_emo_mm.structures import media_name
from claip_emo_mm.utils.devices import default_device
from claip_emo_mm.utils.parallel import run_parallel

_MEASURED = 3  # clips before the estimate; the first also builds the encoders
Report = Callable[[str], None]


@dataclass
class ExtractionReport:
    """What an extraction did."""
    clips: int  # distinct ones of the splits
    extracted: int = 0  # clips that were encoded by this run
    rows: int = 0  # frames and audio windows, likewise
    size: int = 0  # their bytes
    failures: dict[str, str] = field(default_factory=dict)  # clip -> why it has no features

    def add(self, done: Extracted) -> None:
        """Count a job."""
        self.extracted += bool(done.rows)
        self.rows += done.rows
        self.size += done.size
        if done.error:
            self.failures[str(media_name(done.job.info))] = done.error


def extract_features(cfg: Config, report: Report, splits: Sequence[str] = SPLITS, device: str | None = None,
                     dry_run: bool = False) -> ExtractionReport:
    """Encode the frames and audio windows of some splits that the cache lacks; several processes may do it at once.

    Args:
        cfg: a config with ``feature_cache``.
        report: is told what is there, what is missing, and the estimate of time and disk.
        splits: whose features are needed.
        device: where to compute; None takes a GPU where there is one.
        dry_run: stop after the first clips, on which the estimate is based.
    Raises:
        InputError: features of this config cannot be kept; the disk is too small; a clip cannot be read, after the
            others are done, unless its data set has ``on_error='skip'``; or, with ``extract=False``, a clip lacks
            features.
    """
    try:
        with default_scope(cfg):
            return _extract_missing(cfg, report, splits, device or default_device(), dry_run)
    finally:
        _extractor.cache_clear()  # a training needs the memory of the encoders, and files are closed


def _extract_missing(cfg: Config, report: Report, splits: Sequence[str], device: str,
                     dry_run: bool) -> ExtractionReport:
    data = pickle.dumps((cfg.to_dict(), cfg.filename, tuple(splits), device))
    extractor = _extractor(data)
    plan = extractor.plan
    jobs = _jobs(extractor)
    missing = [job for job in jobs if not extractor.is_complete(job)]
    found = ExtractionReport(len(jobs))
    for path in plan.contents.edited:
        report(f'{path} was edited: its features are extracted again')
    if not missing:
        report(f'{plan.cache}: has the features of all {len(jobs)} clips')
        return found
    for point in plan.points():
        differences = [] if len(extractor.stores[point.folder]) else point.differences(plan.cache)
        if differences:
            report(f'{plan.cache}: has no {point.name} features of these settings; the nearest ones differ in'
                   f'{listing(differences)}')
    if not plan.options.extract:
        raise InputError(f'{plan.cache}: lacks features of {len(missing)} of {len(jobs)} clips, such as '
                         f'{media_name(missing[0].info)}, and {KEY}.extract is False. Extract them: '
                         f'tools/extract_features.py {cfg.filename} --out {plan.cache}.')
    shift = time.time_ns() % len(missing)  # commands at the same time begin elsewhere
    missing = missing[shift:] + missing[:shift]
    first, rest = missing[:_MEASURED], missing[_MEASURED:]
    times = []
    for job in first:
        began = time.perf_counter()
        found.add(extractor.extract(job, wait=True))
        times.append(time.perf_counter() - began)
    report(_estimate(len(jobs), len(missing), len(rest), times, found, plan.cache, plan.options.processes))
    if not dry_run:
        done = len(jobs) - len(rest)
        waiting = []
        for result in run_parallel(partial(_extract, data, False), rest, plan.options.processes, 'features', 4,
                                   done):
            waiting += [result.job] if result.busy else []
            found.add(result)
        for job in waiting:
            found.add(extractor.extract(job, wait=True))
        report(f'{plan.cache}: encoded {found.rows} frames and audio windows of {found.extracted} clips, '
               f'{found.size / 1e6:.1f} MB')
    _refuse_failures(cfg, extractor, jobs, found, report)
    return found


def cached_config(cfg: Config, splits: Sequence[str]) -> tuple[Config, dict[str, str]]:
    """Extract what the splits lack; return the config of a run that reads features in place of media, and the hashes.

    Raises:
        InputError: as `extract_features`.
    """
    extract_features(cfg, partial(print_log, logger='current'), splits)
    with default_scope(cfg):
        return FeaturePlan(cfg, ContentHashes(FeatureCacheConfig.of(cfg).dir), splits).cached_config()


@lru_cache(maxsize=1)
def _extractor(data: bytes) -> ClipExtractor:
    """The extractor of this process."""
    options, filename, splits, device = pickle.loads(data)
    cfg = Config(options, filename=filename)
    import_modules_from_strings(**(cfg.get('custom_imports') or dict(imports=['claip_emo_mm'])))
    return ClipExtractor(cfg, splits, device)


def _extract(data: bytes, wait: bool, job: ClipJob) -> Extracted:
    options, *_ = pickle.loads(data)
    with default_scope(options):
        return _extractor(data).extract(job, wait)


def _jobs(extractor: ClipExtractor) -> list[ClipJob]:
    """The distinct clips of the uses; their files are read once to be hashed."""
    infos, uses = {}, {}
    for number, use in enumerate(extractor.plan.uses):
        dataset = DATASETS.build(dict(use.dataset, pipeline=[]))
        for index in tqdm(range(len(dataset)), desc=f'{use.split} clips', unit='clip', leave=False, delay=1):
            info = dataset.get_data_info(index)
            clip = extractor.plan.contents.clip(info)
            infos.setdefault(clip, info)
            numbers = uses.setdefault(clip, [])
            if number not in numbers:
                numbers.append(number)
    return [ClipJob(info, clip, tuple(uses[clip])) for clip, info in infos.items()]


def _estimate(clips: int, missing: int, rest: int, times: Sequence[float], found: ExtractionReport, cache: Path,
              processes: int) -> str:
    """Estimate time and disk of the remaining clips by the first; raises InputError where the disk is too small."""
    seconds = min(times) * rest / processes
    size = found.size / max(found.extracted, 1) * rest
    free = shutil.disk_usage(cache).free
    if size > free:
        raise InputError(f'{cache}: {size / 1e6:.0f} MB of features are expected, and {free / 1e6:.0f} MB are free. '
                         f"Make room, or set {KEY}.dtype='float16'.")
    workers = f'{processes} process{"es" * (processes > 1)}'
    return (f'{cache}: {clips - missing} of {clips} clips have all features. {rest} clips are left after the first '
            f'{len(times)}: about {_duration(seconds)} with {workers}, {size / 1e6:.1f} MB ({free / 1e9:.1f} GB free)')


def _duration(seconds: float) -> str:
    return (f'{seconds:.0f} s' if seconds < 120 else f'{seconds / 60:.0f} min' if seconds < 7200
            else f'{seconds / 3600:.1f} h')


def _refuse_failures(cfg: Config, extractor: ClipExtractor, jobs: Sequence[ClipJob], found: ExtractionReport,
                     report: Report) -> None:
    if not found.failures:
        return
    skipping = {str(media_name(job.info)) for job in jobs
                if all(extractor.plan.uses[number].dataset.get('on_error') == 'skip' for number in job.uses)}
    text = f'{len(found.failures)} clips have no features:{listing(list(found.failures.values()))}'
    if set(found.failures) <= skipping:
        report(text)
        return
    raise InputError(f"{text}\nRepair the files, take them out of the lists, or set on_error='skip' in the data set.")
