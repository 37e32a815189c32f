"""Data loaders whose workers cannot hand a batch over."""
from multiprocessing.queues import Queue

from torch._utils import ExceptionWrapper
from torch.utils.data import get_worker_info


def repair_worker_queues() -> None:
    """Let a worker of a data loader say why it cannot hand a batch over.

    The thread that puts a worker's batches into shared memory prints its errors and drops the batch, and torch 2.14
    waits for it without end. Shows with MMEngine's `pseudo_collate` on a full /dev/shm, with too many open files, and
    with batches that cannot be pickled. In a worker the error is put into the queue in the batch's place, so that the
    data loader raises it; elsewhere it is printed as before. Can go when torch's workers do that.
    """
    host_on_error = Queue._on_queue_feeder_error

    def on_error(self: Queue, error: Exception, item: object) -> None:
        worker = get_worker_info()
        if worker is None or not isinstance(item, tuple) or len(item) != 2:
            host_on_error(error, item)
            return
        self.put((item[0], ExceptionWrapper((type(error), error, error.__traceback__),
                                            where=f'in DataLoader worker process {worker.id}')))

    Queue._on_queue_feeder_error = on_error
