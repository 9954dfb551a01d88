"""What people say of calls: ratings, training data with consent, and reviews of what the guard points out."""

from naru.trust.feedback.book import Consent, FeedbackBook, Find, Pair
from naru.trust.feedback.capture import CaptureQueue
from naru.trust.feedback.models import Opinion, RatedCall, Rating, RatingFilter, Review
from naru.trust.feedback.reviews import ReviewBook, ReviewQueue
from naru.trust.feedback.tables import captures, feedback

__all__ = [
    "CaptureQueue",
    "Consent",
    "FeedbackBook",
    "Find",
    "Opinion",
    "Pair",
    "RatedCall",
    "Rating",
    "RatingFilter",
    "Review",
    "ReviewBook",
    "ReviewQueue",
    "captures",
    "feedback",
]
