"""Token merging: similar tokens of a frame become one, block by block (arXiv 2210.09461)."""
import torch
import torch.nn.functional as F
from torch import Tensor


def merge_tokens(x: Tensor, keys: Tensor, sizes: Tensor, num_merged: int) -> tuple[Tensor, Tensor]:
    """Merge the most similar tokens by bipartite soft matching (arXiv 2210.09461, section 3).

    Every second token is a source, the others are targets. Each source has one edge, to the target whose key is most
    similar (cosine); the `num_merged` sources with the most similar ones go into their targets. The class token, which
    is the first source, stays.

    Args:
        x: (U, N, D) tokens, the class token first.
        keys: (U, N, D') attention keys, averaged over the heads.
        sizes: (U, N), of how many patches each token is the average.
        num_merged: tokens fewer: fewer than there are sources.
    Returns: tokens (U, N - num_merged, D), averages weighted by size: the class token, the other sources, the targets;
        and their sizes.
    """
    keys = F.normalize(keys.float(), dim=-1)
    similarity = keys[:, ::2] @ keys[:, 1::2].transpose(1, 2)  # (U, sources, targets)
    similarity[:, 0] = -torch.inf
    closest, target = similarity.max(-1)  # (U, sources)
    order = closest.argsort(dim=-1, descending=True, stable=True)
    merged, kept = order[:, :num_merged], order[:, num_merged:].sort(-1).values
    weighted = torch.cat([x * sizes[..., None].to(x.dtype), sizes[..., None].to(x.dtype)], -1)  # sums of D, and sizes
    sources, targets = weighted[:, ::2], weighted[:, 1::2]
    into = _rows(target.gather(1, merged), sources)
    targets = targets.scatter_add(1, into, sources.gather(1, _rows(merged, sources)))
    sums = torch.cat([sources.gather(1, _rows(kept, sources)), targets], 1)
    return sums[..., :-1] / sums[..., -1:], sums[..., -1].float()


def most_merged(num_tokens: int, num_blocks: int) -> int:
    """The most tokens that each of some blocks can merge: in none more than all sources but the class token."""
    def fits(num_merged: int) -> bool:
        left = [num_tokens - block * num_merged for block in range(num_blocks)]
        return all(num_merged < (tokens + 1) // 2 for tokens in left)

    return max((number for number in range(num_tokens // 2 + 1) if fits(number)), default=0)


def _rows(index: Tensor, like: Tensor) -> Tensor:
    """Expand an index (U, n) of rows to (U, n, D)."""
    return index[..., None].expand(-1, -1, like.shape[-1])
