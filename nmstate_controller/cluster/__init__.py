"""The Kubernetes side. Only this package imports kubernetes_asyncio."""
