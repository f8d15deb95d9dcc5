"""Cost to serve (服务成本): what handling a customer's tickets and complaints costs."""
