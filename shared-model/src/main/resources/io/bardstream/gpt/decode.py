  # Generation with a cache of keys and values. S slots, C channels, H heads of D, V vocabulary. The T positions lie in
  # blocks of W, so a layer's cache is (T/W, S, H, W, D). Weights are [out, in], in the cache's number format; norms, the
  # residual stream, softmax and logits are float32.
  #
  # weights: for each layer the 12 tensors of GPT-2's block in the order of its forward pass, the last norm's two, the head.
  # cache: for each layer keys, then values. rows: where a cache, seen as rows of D, begins for each slot and head in
  # block 0. places: 0, 1, … T - 1.

  def linear_layout(self, w: Tensor, dtype: int, transposed: bool, rows: int) -> Tensor:
    if transposed:
      w = w.t()
    w = w.to(dtype).contiguous()
    if rows > 0:
      w = torch.ops.mkldnn._reorder_linear_weight(w, rows)
    return w

  def as_type(self, w: Tensor, dtype: int) -> Tensor:
    return w.to(dtype, False, True)

  def new_cache(self, like: Tensor, blocks: int, slots: int, heads: int, block: int, width: int) -> Tensor:
    return torch.zeros([blocks, slots, heads, block, width], dtype=like.dtype, device=like.device)

  def linear(self, x: Tensor, w: Tensor, b: Optional[Tensor], onednn: bool) -> Tensor:
    if onednn:
      return torch.ops.mkldnn._linear_pointwise(x, w, b, "none", [], "")
    return torch.linear(x, w, b)

  def norm(self, x: Tensor, w: Tensor, b: Tensor, epsilon: float, dtype: int) -> Tensor:
    return torch.layer_norm(x, [x.size(1)], w, b, epsilon).to(dtype)

  # What follows attention in a block: output projection, residual, norm, MLP, residual. (N, C) → (N, C)
  def rest_of_block(self, x: Tensor, y: Tensor, weights: List[Tensor], at: int, epsilon: float, dtype: int, onednn: bool) -> Tensor:
    x = x + self.linear(y, weights[at + 4], weights[at + 5], onednn)
    h = self.norm(x, weights[at + 6], weights[at + 7], epsilon, dtype)
    z = torch.gelu(self.linear(h, weights[at + 8], weights[at + 9], onednn), approximate="tanh")
    return x + self.linear(z, weights[at + 10], weights[at + 11], onednn)

  # One token for each slot. Attention runs over whole blocks of positions, as many as the furthest slot needs, and joins
  # them by the running softmax of FlashAttention (Dao et al. 2022, algorithm 1). A block beyond a slot's own position
  # multiplies that slot's sums by exactly 1 and adds exactly 0, so its row does not depend on where the others are.
  def step(self, tokens: Tensor, positions: Tensor, embedding: Tensor, places_embedding: Tensor, weights: List[Tensor], cache: List[Tensor], rows: Tensor, places: Tensor, blocks: int, epsilon: float, onednn: bool) -> Tensor:
    dtype = cache[0].dtype
    slots = cache[0].size(1)
    heads = cache[0].size(2)
    block = cache[0].size(3)
    width = cache[0].size(4)
    n = slots * heads
    channels = heads * width
    layers = len(cache) // 2
    scale = 1.0 / float(width) ** 0.5
    into = (rows + (torch.floor_divide(positions, block) * (n * block) + torch.remainder(positions, block)).unsqueeze(1)).view([-1])
    hidden = places.narrow(0, 0, blocks * block).unsqueeze(0) > positions.unsqueeze(1)
    mask = torch.zeros([slots, blocks * block], dtype=torch.float32, device=tokens.device).masked_fill_(hidden, -float("inf"))
    mask = mask.view([slots, 1, blocks, block]).expand([slots, heads, blocks, block]).reshape([n, 1, blocks, block])
    x = (torch.embedding(embedding, tokens) + torch.embedding(places_embedding, positions)).to(torch.float32)
    for layer in range(layers):
      at = 12 * layer
      keys = cache[2 * layer]
      values = cache[2 * layer + 1]
      h = self.norm(x, weights[at], weights[at + 1], epsilon, dtype)
      qkv = self.linear(h, weights[at + 2], weights[at + 3], onednn).view([slots, 3, n // slots, width])
      keys.view([-1, width]).index_copy_(0, into, qkv.select(1, 1).reshape([n, width]))
      values.view([-1, width]).index_copy_(0, into, qkv.select(1, 2).reshape([n, width]))
      q = (qkv.select(1, 0) * scale).reshape([n, 1, width])
      s = torch.bmm(q, keys.select(0, 0).view([n, block, width]).transpose(1, 2)).to(torch.float32) + mask.select(2, 0)
      m = s.amax([-1], True)
      p = torch.exp(s - m)
      l = p.sum([-1], True)
      o = torch.bmm(p.to(dtype), values.select(0, 0).view([n, block, width])).to(torch.float32)
      for b in range(1, blocks):
        s = torch.bmm(q, keys.select(0, b).view([n, block, width]).transpose(1, 2)).to(torch.float32) + mask.select(2, b)
        m2 = torch.maximum(m, s.amax([-1], True))
        p = torch.exp(s - m2)
        c = torch.exp(m - m2)
        l = l * c + p.sum([-1], True)
        o = o * c + torch.bmm(p.to(dtype), values.select(0, b).view([n, block, width])).to(torch.float32)
        m = m2
      y = (o / l).to(dtype).view([slots, channels])
      x = self.rest_of_block(x, y, weights, at, epsilon, dtype, onednn)
    at = 12 * layers
    h = self.norm(x, weights[at], weights[at + 1], epsilon, dtype)
    return self.linear(h, weights[at + 2], None, onednn).to(torch.float32)

  # What some slots hold up to some block, as attention reads it: (T/W, S, H, W, D) → (R·H, T, D). Of one slot a view.
  def of_slots(self, cache: Tensor, slots: Tensor, blocks: int) -> Tensor:
    held = cache.narrow(0, 0, blocks)
    if slots.size(0) == 1:
      held = held.narrow(1, int(slots[0]), 1)
    else:
      held = held.index_select(1, slots)
    return held.permute([1, 2, 0, 3, 4]).reshape([slots.size(0) * cache.size(2), blocks * cache.size(3), cache.size(4)])

  # P tokens of the prompts of R slots, all from position `start` on, each attending to what its slot holds before them.
  # Hidden states after the last norm. (R, P) → (R·P, C)
  def prefill(self, tokens: Tensor, embedding: Tensor, places_embedding: Tensor, weights: List[Tensor], cache: List[Tensor], rows: Tensor, places: Tensor, slots: Tensor, start: int, epsilon: float, onednn: bool) -> Tensor:
    dtype = cache[0].dtype
    heads = cache[0].size(2)
    block = cache[0].size(3)
    width = cache[0].size(4)
    n = cache[0].size(1) * heads
    channels = heads * width
    layers = len(cache) // 2
    scale = 1.0 / float(width) ** 0.5
    prompts = tokens.size(0)
    count = tokens.size(1)
    blocks = (start + count + block - 1) // block
    positions = places.narrow(0, start, count)
    offsets = torch.floor_divide(positions, block) * (n * block) + torch.remainder(positions, block)
    into = (rows.index_select(0, slots).unsqueeze(1) + offsets.view([1, count, 1])).view([-1])
    hidden = places.narrow(0, 0, blocks * block).unsqueeze(0) > positions.unsqueeze(1)
    mask = torch.zeros([count, blocks * block], dtype=torch.float32, device=tokens.device).masked_fill_(hidden, -float("inf"))
    x = (torch.embedding(embedding, tokens) + places_embedding.narrow(0, start, count)).to(torch.float32).view([-1, channels])
    for layer in range(layers):
      at = 12 * layer
      keys = cache[2 * layer]
      values = cache[2 * layer + 1]
      h = self.norm(x, weights[at], weights[at + 1], epsilon, dtype)
      qkv = self.linear(h, weights[at + 2], weights[at + 3], onednn).view([prompts * count, 3, heads, width])
      keys.view([-1, width]).index_copy_(0, into, qkv.select(1, 1).reshape([prompts * count * heads, width]))
      values.view([-1, width]).index_copy_(0, into, qkv.select(1, 2).reshape([prompts * count * heads, width]))
      q = (qkv.select(1, 0) * scale).view([prompts, count, heads, width]).transpose(1, 2).reshape([prompts * heads, count, width])
      s = torch.bmm(q, self.of_slots(keys, slots, blocks).transpose(1, 2)).to(torch.float32) + mask
      p = torch.softmax(s, -1).to(dtype)
      y = torch.bmm(p, self.of_slots(values, slots, blocks))
      y = y.view([prompts, heads, count, width]).transpose(1, 2).reshape([prompts * count, channels])
      x = self.rest_of_block(x, y, weights, at, epsilon, dtype, onednn)
    at = 12 * layers
    return self.norm(x, weights[at], weights[at + 1], epsilon, dtype)

  # Logits of some rows of hidden states. (N, C) → (M, V)
  def logits(self, hidden: Tensor, rows: Tensor, weights: List[Tensor], onednn: bool) -> Tensor:
    h = hidden.index_select(0, rows)
    return self.linear(h, weights[len(weights) - 1], None, onednn).to(torch.float32)
