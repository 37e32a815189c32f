"""Token merging of one frame, written token by token."""
import torch
from torch import Tensor


def slowly(x: Tensor, keys: Tensor, sizes: Tensor, num_merged: int) -> tuple[Tensor, Tensor]:
    """Merge the tokens (N, D) of one frame in float64, edge by edge."""
    count = len(x)
    sources, targets = range(0, count, 2), range(1, count, 2)
    edges = []
    for source in sources:
        if source == 0:  # the class token
            continue
        similar = [float(keys[source].double() @ keys[target].double() / keys[source].double().norm()
                         / keys[target].double().norm()) for target in targets]
        best = max(range(len(targets)), key=lambda place: similar[place])
        edges.append((similar[best], source, targets[best]))
    groups = {number: [number] for number in range(count)}
    for _, source, target in sorted(edges, reverse=True)[:num_merged]:
        groups[target] += groups.pop(source)
    order = [number for number in sources if number in groups] + list(targets)
    totals = [sum(float(sizes[each]) for each in groups[number]) for number in order]
    tokens = [sum(x[each].double() * float(sizes[each]) for each in groups[number]) / total
              for number, total in zip(order, totals, strict=True)]
    return torch.stack(tokens).float(), torch.tensor(totals)
